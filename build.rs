//! Creates `web/dist`, which the server embeds, so that it also builds if `web` has not been built.

fn main() -> std::io::Result<()> {
    // With debug assertions, `src/http/web` reads the viewer's files from disk at run time. Otherwise they are embedded,
    // so a change of `web/dist` requires another build.
    let embeds = std::env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_none();
    println!("cargo::rerun-if-changed={}", if embeds { "web/dist" } else { "build.rs" });
    std::fs::create_dir_all("web/dist")
}
