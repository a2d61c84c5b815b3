// The entry point of the viewer. The base styles come first, so that others override them.
import './ui/base.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import { takeIssuerRedirect } from './session/open-id'
import { Session } from './session/session'

const issuerRedirect = takeIssuerRedirect()
const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <StrictMode>
      <Session issuerRedirect={issuerRedirect}>
        <App />
      </Session>
    </StrictMode>,
  )
