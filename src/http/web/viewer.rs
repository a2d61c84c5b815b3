//! The pages for people: the viewer at `/` and the API explorer at `/graphiql`, as `web` was built.
//!
//! They are embedded in the binary; only a build without optimisation reads them from disk. Each file was compressed
//! when it was built, so serving one means choosing one. Scripts and styles are kept in compressed form only, which
//! keeps 7 MB out of the binary; the few clients that accept no compression get them unpacked. The pages run under a
//! policy that lets them load from and call only this server and, if there is one, the sign-in issuer. The editor of
//! the API explorer sets styles from scripts; only its page allows that.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read as _;
use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::GzDecoder;
use parking_lot::Mutex;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::http::AppState;
use crate::http::web::sign_in;

/// The policies of the two pages; at their ends follow the origins of the issuer.
const VIEWER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'";

const EXPLORER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; connect-src 'self'";

/// Names of these files change with their content.
const ASSETS: &str = "assets/";

const NOT_BUILT: &str = "\
This server was built without its viewer. To have it, with Node.js 20.19 or newer, in the source folder:

    web/build

and build the server again. The API is at /graphql.
";

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Built;

/// The addresses of the pages and of what they load.
pub(in crate::http) fn routes(config: &mut web::ServiceConfig) {
    for (address, file) in [("/", "index.html"), ("/graphiql", "graphiql.html"), ("/favicon.svg", "favicon.svg")] {
        let page = move |request: HttpRequest, state: web::Data<AppState>| async move { serve(&request, &state, file) };
        config.service(web::resource(address).route(web::get().to(page)).route(web::head().to(page)));
    }
    let asset = |request: HttpRequest, state: web::Data<AppState>| async move {
        let file = request.path().trim_start_matches('/');
        serve(&request, &state, file)
    };
    config.service(web::resource("/assets/{file}").route(web::get().to(asset)).route(web::head().to(asset)));
    config.service(web::resource("/sign-in.json").route(web::get().to(sign_in::get)));
}

/// One file, in the smallest coding that the browser takes.
fn serve(request: &HttpRequest, state: &AppState, name: &str) -> HttpResponse {
    let Some((coding, file)) = codings(request).find_map(|coding| Some((coding, coding.of(name)?))) else {
        return missing();
    };
    let tag = format!("\"{}\"", file.tag);
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)) {
        return head(StatusCode::NOT_MODIFIED, state, name, &tag).finish();
    }
    let mut response = head(StatusCode::OK, state, name, &tag);
    response.content_type(media(name));
    // Said of a plain file too, so that nobody codes it on its way out: its tag is that of these bytes.
    response.insert_header((header::CONTENT_ENCODING, coding.name()));
    // For HEAD, actix sends the head of this and keeps the body back.
    response.body(file.bytes)
}

/// A file in one coding.
struct Coded {
    bytes: web::Bytes,
    /// Differs with the bytes, and from one coding to another.
    tag: String,
}

impl From<EmbeddedFile> for Coded {
    fn from(file: EmbeddedFile) -> Self {
        let tag = URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..16]);
        let bytes = match file.data {
            Cow::Borrowed(bytes) => web::Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        Self { bytes, tag }
    }
}

/// Files that were unpacked, by their tag: each is unpacked once, however often it is asked for.
static UNPACKED: LazyLock<Mutex<HashMap<String, web::Bytes>>> = LazyLock::new(Mutex::default);

/// A file that is there in its compressed forms only.
fn unpacked(name: &str) -> Option<Coded> {
    let Coded { bytes: packed, tag } = Built::get(&format!("{name}.gz"))?.into();
    let mut known = UNPACKED.lock();
    if !known.contains_key(&tag) {
        let mut bytes = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut bytes).ok()?;
        known.insert(tag.clone(), bytes.into());
    }
    let bytes = known.get(&tag)?.clone();
    Some(Coded { bytes, tag: format!("{tag}-plain") })
}

fn head(status: StatusCode, state: &AppState, name: &str, tag: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    let keep = if name.starts_with(ASSETS) { "public, max-age=31536000, immutable" } else { "no-cache" };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, keep))
        .insert_header((header::VARY, "accept-encoding"));
    let policy = match name {
        "index.html" => Some(VIEWER_POLICY),
        "graphiql.html" => Some(EXPLORER_POLICY),
        _ => None,
    };
    if let Some(policy) = policy {
        response.insert_header((header::CONTENT_SECURITY_POLICY, format!("{policy}{}", state.sign_in.origins())));
    }
    response
}

fn missing() -> HttpResponse {
    let built = Built::get("index.html").is_some();
    let sentence = if built { "there is nothing at this address\n" } else { NOT_BUILT };
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(sentence)
}

/// How a file's bytes are coded.
#[derive(Clone, Copy)]
enum Coding {
    Brotli,
    Gzip,
    Plain,
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Plain => "identity",
        }
    }

    /// The file of that name in this coding, if it is there.
    fn of(self, name: &str) -> Option<Coded> {
        match self {
            Self::Brotli => Built::get(&format!("{name}.br")).map(Coded::from),
            Self::Gzip => Built::get(&format!("{name}.gz")).map(Coded::from),
            Self::Plain => Built::get(name).map(Coded::from).or_else(|| unpacked(name)),
        }
    }
}

/// The codings that the request allows, smallest first. A coding refused by weight (`br;q=0`) is not taken.
fn codings(request: &HttpRequest) -> impl Iterator<Item = Coding> {
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| HeaderValue::to_str(value).ok());
    let takes = |wanted: &str| {
        accepted.is_some_and(|accepted| {
            accepted.split(',').any(|one| {
                let mut parts = one.split(';').map(str::trim);
                let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
                named && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
            })
        })
    };
    let brotli = takes("br").then_some(Coding::Brotli);
    let gzip = takes("gzip").then_some(Coding::Gzip);
    [brotli, gzip, Some(Coding::Plain)].into_iter().flatten()
}

fn media(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("ttf") => "font/ttf",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
