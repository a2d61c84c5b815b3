//! auditgraph: a self-hosted audit log with a typed GraphQL API.
//!
//! # The floor plan
//!
//! ```text
//!           street                                                   cellar
//!  client -> http -> auth -> access -> graphql ----> store --------> entity, migration -> database
//!            door    who is it?        what is asked, the log itself:
//!                                      in its words   read, record, follow
//!                  \_____________ audit: the language everyone speaks ___________/
//! ```
//!
//! | room | what lives there |
//! |---|---|
//! | [`audit`] | events, parties, filters, pages, scopes, the catalogue: plain types without I/O |
//! | [`foreign`] | records of other systems, read into events |
//! | [`auth`] | from a token to who it names and what that grants |
//! | [`store`] | the log: the only place with SQL |
//! | [`access`] | the only place where a role meets rows: hands out readers and writers |
//! | [`graphql`] | the API in GraphQL's words, errors, the check of a document |
//! | [`http`] | addresses, methods, headers, bodies, status codes |
//! | [`import`], [`demo`] | two ways to fill a log |
//! | [`config`], [`app`] | every setting; joining the rooms, the clock, the commands |
//!
//! Requests flow left to right; responses flow back. Which room may use what is a table in
//! `tests/it/architecture.rs`, which fails if code is in the wrong room.
//!
//! # Walkthroughs
//!
//! **Query.** `http/graphql.rs` (bearer token → [`auth::Principal`] → [`access::Caller`]) → `graphql/check.rs` →
//! `graphql/query.rs` → [`access`] (role → [`model::Scope`] → [`store::Reader`]) → `store/read.rs` → `store/select.rs`
//! and `store/condition.rs` → `store/row.rs` (body → [`model::Event::reduced`]) → `graphql/event.rs`, where
//! lists are written by `graphql/write.rs` from the stored text ([`model::view`]) → `http/response.rs`.
//!
//! **Token.** `http/bearer.rs` → `auth/token.rs` (remembered? which issuer, which key, does the signature hold) →
//! `auth/issuer.rs` (times, audience, tenant) → `auth/grant.rs` (claims → roles) → [`auth::Principal`]. Keys come from
//! `auth/source.rs`, which reads key sets again in the background and when a token names a new key.
//!
//! **Record.** `http/record.rs` ([`model::json_input`], else [`formats::recognise`]) or `graphql/mutation.rs` →
//! [`model::input`] → [`access::Recorder`] ([`model::NewEvent::parse`], provenance) → `store/prepared.rs` (its rows) →
//! `store/queue.rs` (many requests, one commit) → `store/record.rs` → answer.
//!
//! **Poll.** `graphql/query.rs` → [`store::Reader`] in `store/feed.rs`: the head, then what stands after the cursor.
//!
//! **Follow.** `http/socket.rs` (WebSocket) or `http/stream.rs` (server-sent events) → `graphql/subscription.rs` →
//! [`store::Follow`] in `store/follow.rs`: what is stored after the cursor, then new events from `store/tail.rs`, which
//! reads them once for all followers of a tenant.
//!
//! **Count.** `graphql/summary.rs` → `store/summary.rs`: each count as of one place in the log →
//! `store/rollup/count.rs`: from rollups made in the background (`store/rollup/build.rs`) and from the events that they
//! do not cover yet, both kept in memory (`store/rollup/held.rs`); counts that need fields or filters without rollups
//! are one statement over the events.
//!
//! **Export.** `http/export.rs` → the list query of the API, page after page, with the selection that
//! `graphql/column.rs` makes of the columns → `http/export/row.rs`.
//!
//! **Access.** A resolver asks for its reader in `graphql/context.rs`, which notes the access in the request's
//! [`access::AccessRecord`]; the reader counts the events shown, `http` reports how the request ended → `access/trail.rs`
//! combines similar accesses (`access/seen.rs`) and records them in the separate log that `access/log.rs` provides.
//!
//! **Import.** `import.rs` → [`formats::RecordReader`] (a file cut into records) → [`formats::recognise`] (shape → body,
//! the rest kept in `unmapped`) → [`model::NewEvent::parse`] → [`store::Writer`] in `store/record.rs`: one
//! transaction locks the tenant's head row, reads the known keys, numbers what is new, inserts, commits.
//!
//! **Verify.** `app/operate.rs` → `store/verify.rs`: `store/prepared.rs` derives the rows from a stored body again, and
//! they are compared with the rows in the database.
//!
//! # Invariants
//!
//! - Nothing updates or deletes an event. `store` has no function that could.
//! - Every read starts from a [`model::Scope`], and every event it shows has passed [`model::Event::reduced`] or its
//!   twin [`model::view::EventView::reduced`]. SQL selects exactly the events that
//!   [`matches`](model::filter::Condition::matches) accepts on the reduced event; a property test compares them. Of the
//!   sums kept in memory, only those of visible services are counted.
//! - The order of sequences is the order of commits, without gaps, and `recorded_at` never runs against it.
//! - Resolvers return [`graphql::error::ApiError`], which has no `Display`: no internal error leaves through a `?`.
//! - The clock and random ids come from [`app`]; all other code takes them as arguments.
//!
//! # Where a decision is explained
//!
//! | decision | at |
//! |---|---|
//! | where accesses to the log are stored, and which filter reads them | `access/log.rs`, `store/tenant.rs` |
//! | why recording who reads does not slow down readers, and what can be lost | `access/trail.rs` |
//! | how texts are compared | [`model::fold`] |
//! | which tokens are valid, by which keys | [`auth`], `auth/token.rs`, `auth/source.rs` |
//! | what identifies an actor or a target | [`model::party`] |
//! | what a day is, when the clocks change | [`model::histogram`] |
//! | which values are sensitive | [`model::sensitive`] |
//! | which kind of operation and resource an activity is | [`model::classification`] |
//! | why nothing of a foreign record is lost | [`foreign`] |
//! | which tables (CSV) are read, and by which parser | `foreign/reader/table.rs` |
//! | which records are not audit records | `foreign/other_log.rs` |
//! | exact pages in one statement | `store/read.rs` |
//! | why a feed never skips and never repeats | `store/feed.rs` |
//! | how followers learn of new events, including those of other processes | `store/tail.rs`, `store/follow.rs` |
//! | what is refused when too many events wait to be recorded | `store/queue.rs` |
//! | which timeouts there are, and when a connection is discarded | `store/connect.rs` |
//! | what is not looked up again | `store/known.rs` |
//! | how many rows are inserted at once | `store/bulk.rs` |
//! | how an incomplete export can be detected | `http/export.rs` |
//! | why counts from rollups are exact | `store/rollup.rs` |
//! | which rollups are kept in memory, and how much at most | `store/rollup/held.rs` |
//! | why a restored log gets a new id | `store/backup.rs` |
//! | which table drives a page | `store/select.rs` |
//! | how a page of several values is read | `store/merge.rs` |
//! | when words are looked for among the names first | `store/narrow.rs` |
//! | why lists are not resolved by the GraphQL library | `graphql/plan.rs`, [`model::view`] |
//! | limits of a document, in linear time | [`graphql::check`] |
//! | what an operation costs | `graphql/cost.rs` |
//! | which documents are not validated again | `graphql/execute.rs` |
//! | what applies where a variable is omitted | `graphql/defaults.rs` |
//! | how concurrency is shared between callers | `http/crowd.rs`, `store/allowance.rs` |
//! | when the token of a caller who stays is verified again | `http/bearer.rs` |
//! | which headers every response has | `http/envelope.rs` |
//! | what an error may say | [`graphql::error`] |
//! | what a page in a browser may load and do | `http/viewer.rs` |
//! | how people sign in to the pages | `http/sign_in.rs`, `web/src/session/open-id.ts` |

pub mod http;
pub mod import;
pub mod config;
pub mod app;
