// The services and their categories, loaded once for the menu, the filters' choices and the display names.
import { createContext, type ReactNode, useContext, useMemo } from 'react'
import { type CombinedError, useQuery } from 'urql'
import { graphql } from '../api/gql'
import type { ServicesQuery } from '../api/gql/graphql'
import { ErrorMessage } from '../ui/error-message'
import type { CatalogueNames } from './filter-fields'

const ServicesDocument = graphql(`
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

export type Service = NonNullable<ServicesQuery['auditServices']>[number]

export interface Catalogue {
  services: Service[]
  names: CatalogueNames
  /** The error if the services could not be loaded. */
  error: CombinedError | undefined
  retry: () => void
}

const CatalogueContext = createContext<Catalogue>({
  services: [],
  names: { category: String, service: String },
  error: undefined,
  retry: () => undefined,
})

export function useCatalogue(): Catalogue {
  return useContext(CatalogueContext)
}

export function CatalogueProvider({ children }: { children: ReactNode }) {
  const [{ data, error }, refetch] = useQuery({ query: ServicesDocument, requestPolicy: 'cache-first' })
  const catalogue = useMemo(() => {
    const services = data?.auditServices ?? []
    const service = new Map(services.map((one) => [one.key, one.displayName]))
    const category = new Map(services.flatMap((one) => one.categories).map((one) => [one.key, one.displayName]))
    const names: CatalogueNames = {
      service: (key) => service.get(key) ?? key,
      category: (key) => category.get(key) ?? key,
    }
    return { services, names, error, retry: () => refetch({ requestPolicy: 'network-only' }) }
  }, [data, error, refetch])
  return <CatalogueContext value={catalogue}>{children}</CatalogueContext>
}

/** An error message if the services could not be loaded. */
export function CatalogueError() {
  const { error, retry } = useCatalogue()
  return error && <ErrorMessage lead="The services and their categories cannot be read." error={error} retry={retry} />
}

/** The categories of the services with these keys, or of all services if there are none, sorted by name. */
export function categoriesOf(services: Service[], keys: readonly string[]): { key: string; displayName: string }[] {
  const selected = keys.length === 0 ? services : services.filter((one) => keys.includes(one.key))
  const byKey = new Map(selected.flatMap((one) => one.categories).map((one) => [one.key, one]))
  return [...byKey.values()].sort((one, other) => one.displayName.localeCompare(other.displayName))
}
