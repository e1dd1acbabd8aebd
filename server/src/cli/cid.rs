//! `pinreel cid PATH…`: the CIDs of files and folders, without storing anything.

use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pinreel_content::{FileHasher, FolderWalk, Link, Progress as Hashed, all_cores, hash_path, printable_path};
use serde_json::json;

use super::answer::Failure;
use super::progress::Progress;

/// Computes CIDs as `ipfs add -r` gives them under the profile unixfs-v1-2025, and stores nothing.
///
/// In the lines, control characters, backslashes and bytes that aren't UTF-8 are written as in \n, \\ and \xff. In JSON a path
/// stands as it is, but for such bytes, each of which is a U+FFFD.
///
/// A line for each file, symbolic link (which isn't followed) and folder, each folder after what is in it. As `ipfs add`
/// does, it leaves out what is hidden in a folder, that is, whose name begins with a dot.
#[derive(clap::Args)]
pub struct Cids {
    /// Files and folders; `-` is the standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Take hidden files and folders, too
    #[arg(short = 'H', long)]
    hidden: bool,
    /// How many threads hash; all cores unless told
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,
    /// A line of JSON each: {"path","cid"}
    #[arg(long)]
    json: bool,
}

pub fn run(command: Cids) -> ExitCode {
    let mut out = Lines { out: BufWriter::new(io::stdout().lock()), as_json: command.json, written: Ok(()) };
    let walk = FolderWalk { threads: command.threads.unwrap_or_else(all_cores), hidden: command.hidden };
    let bar = Progress::for_people(command.json).bytes("hashing", 0);
    let on_progress = |progress| match progress {
        Hashed::Found(bytes) => bar.lengthen(bytes),
        Hashed::Hashed(bytes) => bar.add(bytes),
    };
    for path in &command.paths {
        let outcome = match path.as_os_str() == "-" {
            true => hash_stream(io::stdin().lock(), |bytes| bar.add(bytes)).map(|link| out.write(path, link)),
            false => hash_path(path, walk, &on_progress, |path, link| out.write(path, link))
                .map(drop)
                .map_err(|error| Failure::new("path_unreadable", format!("{error}."))),
        };
        if let Err(failure) = outcome {
            out.flush();
            return failure.end(command.json);
        }
    }
    out.flush();
    super::put_down(out.written)
}

fn hash_stream(mut source: impl Read, on_bytes: impl Fn(u64)) -> Result<Link, Failure> {
    let (mut hasher, mut buffer) = (FileHasher::new(), vec![0; 256 << 10]);
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish().into()),
            Ok(length) => {
                hasher.update(&buffer[..length]);
                on_bytes(length as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(Failure::new("path_unreadable", format!("The standard input can't be read ({error}).")));
            }
        }
    }
}

struct Lines<W: Write> {
    out: W,
    as_json: bool,
    /// How writing went; after an error nothing more is written.
    written: io::Result<()>,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, path: &Path, link: Link) {
        let cid = link.cid.to_string();
        let line = match self.as_json {
            true => json!({ "path": path.to_string_lossy(), "cid": cid }).to_string(),
            false => format!("{cid}  {}", printable_path(path)),
        };
        if self.written.is_ok() {
            self.written = writeln!(self.out, "{line}");
        }
    }

    fn flush(&mut self) {
        if self.written.is_ok() {
            self.written = self.out.flush();
        }
    }
}
