//! The user that Postgres runs as. It refuses root, so root steps down to an unprivileged user for it.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::PrivateError;

/// An unprivileged user to become; `None` where we aren't root and stay who we are.
#[derive(Clone, Debug)]
pub struct Account(Option<User>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    pub fn choose() -> Result<Self, PrivateError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let users = std::fs::read_to_string("/etc/passwd")?;
        let user = ["pinreel", "postgres"].into_iter().find_map(|name| find(&users, name));
        user.map(|user| Self(Some(user))).ok_or(PrivateError::NoAccount)
    }

    /// A command that runs as this user, with a small environment and in a folder that anyone may enter.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").current_dir("/");
        if let Some(user) = &self.0 {
            use std::os::unix::process::CommandExt;
            command.uid(user.uid).gid(user.gid);
        }
        command
    }

    /// Makes a folder that only this user may enter, and gives it to them.
    pub fn own_dir(&self, path: &Path) -> Result<(), PrivateError> {
        crate::data::private_dir(path)?;
        if let Some(user) = &self.0 {
            chown(path, Some(user.uid), Some(user.gid))?;
        }
        Ok(())
    }

    /// Whether this user can get to a folder; if not, the error names the first folder that is closed to them.
    pub fn check_reach(&self, folder: &Path) -> Result<(), PrivateError> {
        let Some(user) = &self.0 else { return Ok(()) };
        if self.can_enter(folder) {
            return Ok(());
        }
        let mut ancestors: Vec<_> = folder.ancestors().collect();
        ancestors.reverse();
        let closed = ancestors.into_iter().find(|ancestor| !self.can_enter(ancestor)).unwrap_or(folder);
        Err(PrivateError::Unreachable { user: user.name.clone(), folder: PathBuf::from(closed) })
    }

    /// Asks the kernel by trying, so that access lists and mounts count as well.
    fn can_enter(&self, folder: &Path) -> bool {
        let mut try_it = self.command(Path::new("/bin/sh"));
        try_it.args(["-c", "cd \"$1\"", "sh"]).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
        try_it.status().is_ok_and(|status| status.success())
    }
}

/// Finds a user in the text of `/etc/passwd`; user 0 by any name doesn't count.
fn find(users: &str, name: &str) -> Option<User> {
    users.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let [found, _, uid, gid, ..] = fields[..] else { return None };
        let user = User { name: found.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()? };
        (found == name && user.uid != 0).then_some(user)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_is_found_by_name_only() {
        let users =
            "root:x:0:0::/root:/bin/sh\nroguepostgres:x:5:5::/:/bin/sh\nbroken\npostgres:x:101:104:a,b:/var:/bin/sh\n";
        assert_eq!(find(users, "postgres"), Some(User { name: "postgres".into(), uid: 101, gid: 104 }));
        assert_eq!(find(users, "pinreel"), None);
        assert_eq!(find(users, "root"), None);
    }
}
