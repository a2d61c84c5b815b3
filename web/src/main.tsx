// The entry of the viewer. The base of all styles comes first.
import './ui/base.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import { arrival } from './session/open-id'
import { Session } from './session/session'

const arriving = arrival()
const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <StrictMode>
      <Session arrival={arriving}>
        <App />
      </Session>
    </StrictMode>,
  )
