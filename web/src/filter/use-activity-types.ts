// The activities of the catalogue that fit the chosen services, categories and resource types, read page by page.
import { useEffect, useState } from 'react'
import { type CombinedError, useClient } from 'urql'
import { graphql } from '../api/gql'
import type { ActivityTypesQuery, ActivityTypesQueryVariables, ResourceType } from '../api/gql/graphql'

const ActivityTypes = graphql(`
  query ActivityTypes($after: String, $services: [String!], $categories: [String!], $resourceTypes: [ResourceType!]) {
    auditActivityTypes(
      first: 1000
      after: $after
      services: $services
      categories: $categories
      resourceTypes: $resourceTypes
    ) {
      nodes {
        key
        displayName
        category
        eventCount
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export type ActivityType = NonNullable<ActivityTypesQuery['auditActivityTypes']>['nodes'][number]

interface ActivityTypes {
  types: ActivityType[]
  fetching: boolean
  error: CombinedError | undefined
}

export interface Chosen {
  services: string[] | null
  categories: string[] | null
  resourceTypes: ResourceType[] | null
}

export function useActivityTypes(chosen: Chosen): ActivityTypes & { retry: () => void } {
  const client = useClient()
  const [attempts, setAttempts] = useState(0)
  const [found, setFound] = useState<ActivityTypes>({ types: [], fetching: true, error: undefined })
  const key = JSON.stringify(chosen)

  useEffect(() => {
    let isWanted = true
    const read = async () => {
      const types: ActivityType[] = []
      for (let after: string | null | undefined = null; after !== undefined;) {
        const variables: ActivityTypesQueryVariables = { ...(JSON.parse(key) as Chosen), after }
        const { data, error } = await client.query(ActivityTypes, variables, { requestPolicy: 'network-only' })
        if (!isWanted) return
        const page = data?.auditActivityTypes
        if (!page) {
          setFound({ types: [], fetching: false, error })
          return
        }
        types.push(...page.nodes)
        after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : undefined
      }
      setFound({ types, fetching: false, error: undefined })
    }
    void read()
    return () => {
      isWanted = false
    }
  }, [client, key, attempts])

  return { ...found, retry: () => setAttempts((count) => count + 1) }
}
