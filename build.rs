//! Makes the folder that the viewer is embedded from, so that the server also builds where nobody has built `web`.

fn main() -> std::io::Result<()> {
    // A build without optimisation reads the viewer's files from disk when they are asked for (see
    // `src/http/viewer.rs`), so only the others have to be built again when `web` was.
    let embeds = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    println!("cargo::rerun-if-changed={}", if embeds { "web/dist" } else { "build.rs" });
    std::fs::create_dir_all("web/dist")
}
