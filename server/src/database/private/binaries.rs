//! Finding the machine's Postgres programs: the newest, or the version that made the cluster.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The first version with ICU as a database's own collation provider.
pub const OLDEST: u32 = 15;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    pub folder: PathBuf,
    pub major: u32,
}

impl Binaries {
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Every usable installation, `PG_BINDIR` alone if it is set.
pub fn installed() -> Vec<Binaries> {
    if let Some(folder) = std::env::var_os("PG_BINDIR") {
        return usable(PathBuf::from(folder)).into_iter().collect();
    }
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = packaged.map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    packaged.chain(std::env::split_paths(&path)).filter_map(usable).collect()
}

/// The installation to use: that of `made` if there is a cluster already, else the newest.
pub fn choose(installed: &[Binaries], made: Option<u32>) -> Option<&Binaries> {
    match made {
        Some(made) => installed.iter().find(|binaries| binaries.major == made),
        None => installed.iter().filter(|binaries| binaries.major >= OLDEST).max_by_key(|binaries| binaries.major),
    }
}

fn usable(folder: PathBuf) -> Option<Binaries> {
    let present = |name: &str| folder.join(name).is_file();
    if !folder.is_absolute() || !present("initdb") || !present("postgres") {
        return None;
    }
    // Links in /usr/local/bin and the like: Postgres finds its libraries beside the real program.
    let folder = folder.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned)?;
    let said = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let major = major(&String::from_utf8_lossy(&said.stdout))?;
    Some(Binaries { folder, major })
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian …)`, also `16beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_read() {
        for (text, expected) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (PostgreSQL) 16\n", Some(16)),
            ("sh: not found", None),
            ("postgres (PostgreSQL) devel", None),
        ] {
            assert_eq!(major(text), expected, "{text}");
        }
    }

    #[test]
    fn cluster_keeps_its_version_and_a_new_one_takes_the_newest() {
        let installed: Vec<_> = [16, 14, 15].map(|major| Binaries { folder: "/pg".into(), major }).into();
        let chosen = |made| choose(&installed, made).map(|binaries| binaries.major);
        assert_eq!(chosen(None), Some(16));
        assert_eq!(chosen(Some(15)), Some(15));
        assert_eq!(chosen(Some(17)), None);
        assert_eq!(choose(&installed[1..2], None), None);
    }
}
