// The sign-in page: at the issuer, if the server has one, or with a token that is pasted.
import { useCallback, useEffect, useId, useState } from 'react'
import { Mark } from '../ui/logo'
import { leave, offered, type OpenId, problem } from './open-id'
import { cleaned } from './token-storage'
import './sign-in.css'

interface Props {
  /** Why one has to sign in. */
  reason: string | undefined
  onToken: (token: string) => void
}

export function SignIn({ reason, onToken }: Props) {
  // Undefined until the server has said.
  const [openId, setOpenId] = useState<OpenId | null>()
  const [isUnknown, setUnknown] = useState(false)
  const [told, tell] = useState(reason)
  const ask = useCallback(() => {
    offered().then(
      (given) => {
        setOpenId(given)
        setUnknown(false)
      },
      () => setUnknown(true),
    )
  }, [])
  useEffect(ask, [ask])

  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <h1>
          <Mark /> Audit log
        </h1>
        {told !== undefined && (
          <p className="sign-in-told" role="alert">
            {told}
          </p>
        )}
        {isUnknown && (
          <div className="failure" role="alert">
            <p>The server does not answer, so it is not known where you can sign in.</p>
            <button type="button" className="button" onClick={ask}>
              Try again
            </button>
          </div>
        )}
        {(openId === null || isUnknown) && <Paste tell={tell} onToken={onToken} />}
        {openId && (
          <>
            <Leave openId={openId} tell={tell} />
            <details>
              <summary>Sign in with a token</summary>
              <Paste tell={tell} onToken={onToken} />
            </details>
          </>
        )}
      </div>
    </main>
  )
}

function Leave({ openId, tell }: { openId: OpenId; tell: (problem: string | undefined) => void }) {
  const [isLeaving, setLeaving] = useState(false)
  return (
    <button
      type="button"
      className="button primary"
      autoFocus
      disabled={isLeaving}
      onClick={() => {
        setLeaving(true)
        tell(undefined)
        leave(openId).catch((error: unknown) => {
          setLeaving(false)
          tell(problem(error))
        })
      }}
    >
      Sign in at {new URL(openId.issuer).host}
    </button>
  )
}

function Paste({ tell, onToken }: { tell: (problem: string | undefined) => void; onToken: (token: string) => void }) {
  const [pasted, setPasted] = useState('')
  const field = useId()
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const token = cleaned(pasted)
        if (token === '') tell('This is no access token: one has three parts with dots between them.')
        else onToken(token)
      }}
    >
      <label htmlFor={field}>Access token</label>
      <textarea
        id={field}
        rows={5}
        autoFocus
        required
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder="eyJ…"
        value={pasted}
        onChange={(event) => {
          setPasted(event.target.value)
          tell(undefined)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.shiftKey) {
            event.preventDefault()
            event.currentTarget.form?.requestSubmit()
          }
        }}
      />
      <button className="button primary" type="submit">
        Sign in
      </button>
      <p className="muted">
        The token is kept in this tab until you close it or sign out. The demo prints one for each role.
      </p>
    </form>
  )
}
