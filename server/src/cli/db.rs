//! `pinreel db url`: how to reach the node's database as its owner.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::data;
use crate::database::private;

#[derive(clap::Subcommand)]
pub enum Db {
    /// Print the database's address, for psql and the like
    Url(Url),
}

#[derive(clap::Args)]
pub struct Url {
    /// Folder of the node's data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[arg(long, env = "DATABASE_URL", hide = true)]
    database_url: Option<String>,
}

pub fn run(command: Db) -> ExitCode {
    let Db::Url(flags) = command;
    let running = |root: PathBuf| private::running_url(&root.join("postgres")).ok_or(root);
    let url = match (flags.data, flags.database_url) {
        // A folder that was named counts more than the environment.
        (Some(root), url) => running(root).or_else(|root| url.ok_or(root)),
        (None, Some(url)) => Ok(url),
        (None, None) => match data::default_root() {
            Ok(root) => running(root),
            Err(error) => return super::fail(&error.to_string()),
        },
    };
    match url {
        Ok(url) => super::say(&url),
        Err(root) => super::fail(&format!(
            "No database of {} runs; start its node with `pinreel serve --data {0}`.",
            root.display()
        )),
    }
}
