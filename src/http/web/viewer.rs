//! The web pages: the viewer at `/` and the API explorer at `/graphiql`, as `web/build` produces them.
//!
//! They are embedded in the binary; only a build without optimisation reads them from disk. The build compresses each
//! file, so a handler only selects an encoding. Scripts and styles are embedded in compressed form only, which saves
//! 7 MB; they are decompressed for the few clients that accept no compression. The content security policy allows the
//! pages to load from and send requests to only this server and, if there is one, the sign-in issuer. The editor of the
//! API explorer sets styles from scripts; only the policy of its page allows that.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read as _;
use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, AcceptEncoding, ContentEncoding, EntityTag, Header as _, IfNoneMatch, Quality};
use actix_web::web::{Bytes, Data, ServiceConfig, get, head, resource};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::GzDecoder;
use parking_lot::Mutex;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::sign_in::{self, SignIn};

/// The content security policies of the two pages. The origins of the sign-in issuer are appended.
const VIEWER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'";

const EXPLORER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; connect-src 'self'";

/// The folder of the files whose names change with their content.
const ASSETS: &str = "assets/";

const NOT_BUILT: &str = "\
This server was built without its viewer. To include it, run this in the source folder, with Node.js 20.19 or newer:

    web/build

and build the server again. The API is at /graphql.
";

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Built;

/// Registers the pages and the files that they load.
pub(in crate::http) fn routes(config: &mut ServiceConfig) {
    for (path, file) in [("/", "index.html"), ("/graphiql", "graphiql.html"), ("/favicon.svg", "favicon.svg")] {
        let page = move |request: HttpRequest, sign_in: Data<SignIn>| async move { serve(&request, &sign_in, file) };
        config.service(resource(path).route(get().to(page)).route(head().to(page)));
    }
    let asset = |request: HttpRequest, sign_in: Data<SignIn>| async move {
        let file = request.path().trim_start_matches('/');
        serve(&request, &sign_in, file)
    };
    config.service(resource("/assets/{file}").route(get().to(asset)).route(head().to(asset)));
    config.service(resource("/sign-in.json").route(get().to(sign_in::get)));
}

/// Serves a file in the smallest encoding that the client accepts.
fn serve(request: &HttpRequest, sign_in: &SignIn, name: &str) -> HttpResponse {
    let mut encodings = encodings(request);
    let Some((encoding, file)) = encodings.find_map(|encoding| Some((encoding, encoded(name, encoding)?))) else {
        return not_found();
    };
    let tag = EntityTag::new_strong(file.tag);
    let is_cached = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|cached| cached.weak_eq(&tag)),
        Ok(IfNoneMatch::Any) | Err(_) => false,
    };
    if is_cached {
        return response_head(StatusCode::NOT_MODIFIED, sign_in, name, tag).finish();
    }
    let mut response = response_head(StatusCode::OK, sign_in, name, tag);
    response.content_type(content_type(name));
    // Set for an unencoded file too, so that the compression middleware leaves it as it is: the tag is that of these
    // bytes.
    response.insert_header((header::CONTENT_ENCODING, encoding.as_str()));
    // For HEAD, actix omits the body.
    response.body(file.bytes)
}

/// A file in one encoding.
struct EncodedFile {
    bytes: Bytes,
    /// The content of the entity tag, which differs with the bytes and with the encoding.
    tag: String,
}

impl From<EmbeddedFile> for EncodedFile {
    fn from(file: EmbeddedFile) -> Self {
        let tag = URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..16]);
        let bytes = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        Self { bytes, tag }
    }
}

/// The decompressed files, by the tag of their compressed form.
static DECOMPRESSED: LazyLock<Mutex<HashMap<String, Bytes>>> = LazyLock::new(Mutex::default);

/// Decompresses a file that is embedded in compressed form only.
fn decompressed(name: &str) -> Option<EncodedFile> {
    let EncodedFile { bytes: compressed, tag } = Built::get(&format!("{name}.gz"))?.into();
    let mut cache = DECOMPRESSED.lock();
    if !cache.contains_key(&tag) {
        let mut bytes = Vec::new();
        GzDecoder::new(&compressed[..]).read_to_end(&mut bytes).ok()?;
        cache.insert(tag.clone(), bytes.into());
    }
    let bytes = cache.get(&tag)?.clone();
    Some(EncodedFile { bytes, tag: format!("{tag}-plain") })
}

/// The start of a response: status, tag, caching and content security policy.
fn response_head(status: StatusCode, sign_in: &SignIn, name: &str, tag: EntityTag) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    let caching = if name.starts_with(ASSETS) { "public, max-age=31536000, immutable" } else { "no-cache" };
    response
        .insert_header(header::ETag(tag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::VARY, "accept-encoding"));
    let policy = match name {
        "index.html" => Some(VIEWER_POLICY),
        "graphiql.html" => Some(EXPLORER_POLICY),
        _ => None,
    };
    if let Some(policy) = policy {
        response.insert_header((header::CONTENT_SECURITY_POLICY, format!("{policy}{}", sign_in.origins())));
    }
    response
}

fn not_found() -> HttpResponse {
    let is_built = Built::get("index.html").is_some();
    let body = if is_built { "not found\n" } else { NOT_BUILT };
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(body)
}

/// The file of this name in an encoding, or `None` if the build did not produce it.
fn encoded(name: &str, encoding: ContentEncoding) -> Option<EncodedFile> {
    match encoding {
        ContentEncoding::Brotli => Built::get(&format!("{name}.br")).map(EncodedFile::from),
        ContentEncoding::Gzip => Built::get(&format!("{name}.gz")).map(EncodedFile::from),
        _ => Built::get(name).map(EncodedFile::from).or_else(|| decompressed(name)),
    }
}

/// The encodings that the client accepts, smallest first. Weights do not change the order; a weight of 0 excludes.
fn encodings(request: &HttpRequest) -> impl Iterator<Item = ContentEncoding> + use<> {
    let accepted = AcceptEncoding::parse(request).map(|AcceptEncoding(accepted)| accepted).unwrap_or_default();
    let is_accepted = move |encoding: &ContentEncoding| {
        let name = encoding.as_str();
        accepted.iter().any(|one| one.quality > Quality::ZERO && one.item.to_string().eq_ignore_ascii_case(name))
    };
    [ContentEncoding::Brotli, ContentEncoding::Gzip].into_iter().filter(is_accepted).chain([ContentEncoding::Identity])
}

fn content_type(name: &str) -> &'static str {
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
