//! Prints how fast a file's CID is computed and, with a folder, how fast the file is stored:
//! `cargo run --release -p pinreel-content --example import_bench -- FILE [FOLDER]`.
//!
//! One line each: `hash <bytes per second> <cid>`, `store <bytes per second> <cid>`.
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    fs::File,
    io::Read,
    path::PathBuf,
    time::{Duration, Instant},
};

use pinreel_content::{FileHasher, Store, Stored};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let file = arguments.next().ok_or("usage: import_bench FILE [FOLDER]")?;
    let started = Instant::now();
    report("hash", hash(File::open(&file)?)?, started.elapsed());
    if let Some(folder) = arguments.next() {
        let store = Store::open(folder)?;
        let started = Instant::now();
        report("store", store.put_reader(File::open(&file)?)?, started.elapsed());
    }
    Ok(())
}

fn hash(mut file: File) -> Result<Stored, Box<dyn Error>> {
    let (mut hasher, mut buffer) = (FileHasher::new(), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

fn report(what: &str, stored: Stored, elapsed: Duration) {
    println!("{what} {:.0} {}", stored.size_bytes as f64 / elapsed.as_secs_f64(), stored.cid);
}
