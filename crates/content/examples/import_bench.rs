//! Prints how fast a file's CID is computed and, with a folder, how fast the file is stored:
//! `cargo run --release -p pinreel-content --example import_bench -- FILE [FOLDER]`.
//!
//! One line each, `<what> <bytes per second> <cid>`: `hash` counts the time in the hasher only, `import` reading and
//! hashing, `store` reading, hashing and writing to the disk for good.
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    fs::File,
    io::Read,
    path::PathBuf,
    time::{Duration, Instant},
};

use pinreel_content::{BYTES_AT_ONCE, FileHasher, Store, Stored};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let file = arguments.next().ok_or("usage: import_bench FILE [FOLDER]")?;
    let started = Instant::now();
    let (stored, hashing) = hash(File::open(&file)?)?;
    report("hash", stored, hashing);
    report("import", stored, started.elapsed());
    if let Some(folder) = arguments.next() {
        let store = Store::open(folder)?;
        let started = Instant::now();
        report("store", store.put_reader(File::open(&file)?)?, started.elapsed());
    }
    Ok(())
}

fn hash(mut file: File) -> Result<(Stored, Duration), Box<dyn Error>> {
    let (mut hasher, mut buffer) = (FileHasher::new(), vec![0; BYTES_AT_ONCE]);
    let mut hashing = Duration::ZERO;
    loop {
        let length = file.read(&mut buffer)?;
        let started = Instant::now();
        if length == 0 {
            return Ok((hasher.finish(), hashing + started.elapsed()));
        }
        hasher.update(&buffer[..length]);
        hashing += started.elapsed();
    }
}

fn report(what: &str, stored: Stored, elapsed: Duration) {
    println!("{what} {:.0} {}", stored.size_bytes as f64 / elapsed.as_secs_f64(), stored.cid);
}
