// The entry of the viewer.
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import { Session } from './session/session'
import './ui/base.css'

const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <StrictMode>
      <Session>
        <App />
      </Session>
    </StrictMode>,
  )
