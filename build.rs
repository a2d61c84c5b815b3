//! Makes the folder that the viewer is embedded from, so that the server also builds where nobody has built `web`.

fn main() -> std::io::Result<()> {
    // With debug assertions, the viewer's files are read from disk when they are asked for (see `src/http/viewer.rs`);
    // without, they are embedded, so what embeds them has to be built again when `web` was.
    let embeds = std::env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_none();
    println!("cargo::rerun-if-changed={}", if embeds { "web/dist" } else { "build.rs" });
    std::fs::create_dir_all("web/dist")
}
