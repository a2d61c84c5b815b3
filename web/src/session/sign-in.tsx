// The sign-in page: by the issuer, if one is configured, or with a pasted token.
import { useCallback, useEffect, useId, useState } from 'react'
import { Logo } from '../ui/logo'
import { fetchSignInOptions, type OpenId, redirectToIssuer, signInErrorMessage, type SignInOptions } from './open-id'
import { extractToken } from './token-storage'
import './sign-in.css'

interface Props {
  /** The reason why the user has to sign in. */
  reason: string | undefined
  onToken: (token: string) => void
}

export function SignIn({ reason, onToken }: Props) {
  // `undefined` until the server has responded.
  const [options, setOptions] = useState<SignInOptions>()
  const [hasFailed, setFailed] = useState(false)
  const [message, setMessage] = useState(reason)
  const loadOptions = useCallback(() => {
    fetchSignInOptions().then(
      (offered) => {
        setOptions(offered)
        setFailed(false)
      },
      () => setFailed(true),
    )
  }, [])
  useEffect(loadOptions, [loadOptions])
  const openId = options?.openId
  const form = <TokenForm isDemo={options?.isDemo === true} setMessage={setMessage} onToken={onToken} />

  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <h1>
          <Logo /> Audit log
        </h1>
        {message !== undefined && (
          <p className="sign-in-message" role="alert">
            {message}
          </p>
        )}
        {hasFailed && (
          <div className="error-message" role="alert">
            <p>The server does not answer, so it is not known where you can sign in.</p>
            <button type="button" className="button" onClick={loadOptions}>
              Try again
            </button>
          </div>
        )}
        {(openId === null || hasFailed) && form}
        {openId && (
          <>
            <IssuerButton openId={openId} setMessage={setMessage} />
            <details>
              <summary>Sign in with a token</summary>
              {form}
            </details>
          </>
        )}
      </div>
    </main>
  )
}

function IssuerButton({ openId, setMessage }: { openId: OpenId; setMessage: (message: string | undefined) => void }) {
  const [isRedirecting, setRedirecting] = useState(false)
  return (
    <button
      type="button"
      className="button primary"
      autoFocus
      disabled={isRedirecting}
      onClick={() => {
        setRedirecting(true)
        setMessage(undefined)
        redirectToIssuer(openId).catch((error: unknown) => {
          setRedirecting(false)
          setMessage(signInErrorMessage(error))
        })
      }}
    >
      Sign in at {new URL(openId.issuer).host}
    </button>
  )
}

function TokenForm({
  isDemo,
  setMessage,
  onToken,
}: {
  isDemo: boolean
  setMessage: (message: string | undefined) => void
  onToken: (token: string) => void
}) {
  const [pasted, setPasted] = useState('')
  const field = useId()
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const token = extractToken(pasted)
        if (token === '')
          setMessage('This is no access token, which has three parts with dots between them, and no API key (agk_…).')
        else onToken(token)
      }}
    >
      <label htmlFor={field}>Access token or API key</label>
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
          setMessage(undefined)
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
        The token is kept in this tab until you close it or sign out.
        {isDemo && ' The demo printed one for each role in the terminal that it was started from.'}
      </p>
    </form>
  )
}
