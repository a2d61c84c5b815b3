// The product's logo.
export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#3156c9" />
      <path d="M9 10h14M9 16h9M9 22h12" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
      <circle cx="23" cy="16" r="2.4" fill="#9fd0ff" />
    </svg>
  )
}
