//! Writes `crates/records/vectors/*.json`: `cargo run -p pinreel-records --example make_vectors`, from anywhere. The
//! files are committed; a test compares them with what this would write, and both implementations are held to them.

mod cases;

fn main() -> std::io::Result<()> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    for (name, text) in cases::files() {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
