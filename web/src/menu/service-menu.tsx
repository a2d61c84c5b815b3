// The service menu: an item per service, which filters by the service and lists its categories, and the signed-in user.
// On narrow screens it opens from a button.
import { CatalogueError, useCatalogue } from '../filter/catalogue'
import { rolesOf, useSession } from '../session/context'
import { Icon } from '../ui/icon'
import { Logo } from '../ui/logo'
import { Popover } from '../ui/popover'
import { useView } from '../view/use-view'
import './menu.css'

export function ServiceMenu({ asButton }: { asButton?: boolean }) {
  if (asButton === true)
    return (
      <Popover
        label="Menu"
        buttonLabel="Menu"
        buttonClass="button quiet square menu-button"
        button={<Icon name="menu" />}
      >
        {(close) => <Items onChoose={close} />}
      </Popover>
    )
  return (
    <div className="menu">
      <p className="menu-brand">
        <Logo /> Audit log
      </p>
      <Items />
      <Account />
    </div>
  )
}

function Items({ onChoose }: { onChoose?: () => void }) {
  const { view, setFilters } = useView()
  const { services } = useCatalogue()
  const { service, category } = view.filters
  const chosen = service.length === 1 ? service[0] : undefined
  // Services with events come first; those without can still be chosen.
  const used = services.filter((one) => one.eventCount > 0 || one.key === chosen)
  const unused = services.filter((one) => !used.includes(one))
  const choose = (serviceKeys: string[], categoryKeys: string[] = []) => {
    setFilters({ service: serviceKeys, category: categoryKeys })
    onChoose?.()
  }
  const item = ({ key, displayName, categories }: (typeof services)[number]) => (
    <li key={key}>
      <button type="button" aria-current={chosen === key && category.length === 0} onClick={() => choose([key])}>
        {displayName}
      </button>
      {chosen === key && categories.length > 1 && (
        <ul aria-label={`Categories of ${displayName}`}>
          {categories.map((one) => (
            <li key={one.key}>
              <button
                type="button"
                aria-current={category.length === 1 && category[0] === one.key}
                onClick={() => choose([key], [one.key])}
              >
                {one.displayName}
              </button>
            </li>
          ))}
        </ul>
      )}
    </li>
  )
  return (
    <nav aria-label="Services" className="menu-items">
      <ul>
        <li>
          <button type="button" aria-current={service.length === 0} onClick={() => choose([])}>
            All services
          </button>
        </li>
        {used.map(item)}
      </ul>
      <CatalogueError />
      {unused.length > 0 && (
        <details>
          <summary>Without events</summary>
          <ul>{unused.map(item)}</ul>
        </details>
      )}
      {onChoose && <Account />}
    </nav>
  )
}

function Account() {
  const { viewer, signOut } = useSession()
  return (
    <div className="menu-account">
      <p>
        <b>{viewer.displayName ?? viewer.userPrincipalName ?? viewer.subject}</b>
        <span className="muted">
          {rolesOf(viewer).join(', ')} · {viewer.tenant.displayName}
        </span>
      </p>
      <p className="row">
        <button type="button" className="link" onClick={signOut}>
          Sign out
        </button>
        <a href="./graphiql">API explorer</a>
      </p>
    </div>
  )
}
