// The services with their categories, asked for once: the menu, the filters' choices and their names come from it.
import { createContext, type ReactNode, useContext, useMemo } from 'react'
import { type CombinedError, useQuery } from 'urql'
import { graphql } from '../api/gql'
import type { ServicesQuery } from '../api/gql/graphql'
import { Failure } from '../ui/error-message'
import type { Names } from './filter-fields'

const Services = graphql(`
  query Services {
    auditServices {
      key
      displayName
      eventCount
      categories {
        key
        displayName
      }
    }
  }
`)

export type Service = ServicesQuery['auditServices'][number]

export interface Catalogue {
  services: Service[]
  names: Names
  /** Why there are no services. */
  error: CombinedError | undefined
  again: () => void
}

const CatalogueContext = createContext<Catalogue>({
  services: [],
  names: { category: String, service: String },
  error: undefined,
  again: () => undefined,
})

export function useCatalogue(): Catalogue {
  return useContext(CatalogueContext)
}

export function CatalogueProvider({ children }: { children: ReactNode }) {
  const [{ data, error }, ask] = useQuery({ query: Services, requestPolicy: 'cache-first' })
  const catalogue = useMemo(() => {
    const services = data?.auditServices ?? []
    const service = new Map(services.map((one) => [one.key, one.displayName]))
    const category = new Map(services.flatMap((one) => one.categories).map((one) => [one.key, one.displayName]))
    const names: Names = {
      service: (key) => service.get(key) ?? key,
      category: (key) => category.get(key) ?? key,
    }
    return { services, names, error, again: () => ask({ requestPolicy: 'network-only' }) }
  }, [data, error, ask])
  return <CatalogueContext value={catalogue}>{children}</CatalogueContext>
}

/** Says that the services could not be read; nothing when they were. */
export function CatalogueFailure() {
  const { error, again } = useCatalogue()
  return error && <Failure lead="The services and their categories cannot be read." error={error} again={again} />
}

/** The categories of some services, or of all, by name. */
export function categoriesOf(services: Service[], keys: readonly string[]): { key: string; displayName: string }[] {
  const those = keys.length === 0 ? services : services.filter((one) => keys.includes(one.key))
  const found = new Map(those.flatMap((one) => one.categories).map((one) => [one.key, one]))
  return [...found.values()].sort((one, other) => one.displayName.localeCompare(other.displayName))
}
