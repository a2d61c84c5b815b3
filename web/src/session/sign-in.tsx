// The sign-in page: a token is pasted.
import { useId, useState } from 'react'
import { Mark } from '../ui/mark'
import { cleaned } from './token'
import './sign-in.css'

export function SignIn({ reason, onToken }: { reason: string | undefined; onToken: (token: string) => void }) {
  const [pasted, setPasted] = useState('')
  const [problem, setProblem] = useState<string>()
  const field = useId()
  const told = problem ?? reason

  return (
    <main className="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const token = cleaned(pasted)
          if (token === '') setProblem('This is no access token: one has three parts with dots between them.')
          else onToken(token)
        }}
      >
        <h1>
          <Mark /> Audit log
        </h1>
        {told !== undefined && (
          <p className="sign-in-told" role="alert">
            {told}
          </p>
        )}
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
            setProblem(undefined)
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
    </main>
  )
}
