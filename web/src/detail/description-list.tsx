// A list of names and values in two columns. Items without a value are left out.
import type { ReactNode } from 'react'

export type DescriptionItem = [name: string, value: ReactNode]

export function DescriptionList({ items }: { items: DescriptionItem[] }) {
  const present = items.filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false)
  return (
    <dl className="facts">
      {present.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
