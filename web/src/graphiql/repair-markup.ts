// Repairs two accessibility errors in GraphiQL's markup: the tabs of the editor have the role of a tab, which must not
// contain buttons, and the names of the buttons of the history differ from their text.

/** Repairs the markup of `root` now and after each change. Returns a function that ends it. */
export function repairMarkup(root: HTMLElement): () => void {
  const repair = () => {
    root.querySelectorAll('.graphiql-tabs[role="tablist"]').forEach((list) => list.removeAttribute('role'))
    root.querySelectorAll('.graphiql-tab:is([role], [aria-selected])').forEach((tab) => {
      const isCurrent = tab.getAttribute('aria-selected') === 'true'
      tab.removeAttribute('role')
      tab.removeAttribute('aria-selected')
      tab.querySelector('.graphiql-tab-button')?.setAttribute('aria-current', String(isCurrent))
    })
    root
      .querySelectorAll('.graphiql-history-item-label[aria-label]')
      .forEach((button) => button.removeAttribute('aria-label'))
  }
  const observer = new MutationObserver(repair)
  observer.observe(root, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ['role', 'aria-selected', 'aria-label'],
  })
  repair()
  return () => observer.disconnect()
}
