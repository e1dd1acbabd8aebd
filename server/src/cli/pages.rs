//! `pinreel completions SHELL` and `pinreel man DIR`: what a shell and `man` want to know of the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

#[derive(clap::Args)]
pub struct Completions {
    /// bash, zsh or fish, say
    shell: Shell,
}

#[derive(clap::Args)]
pub struct Man {
    /// Where the pages go: pinreel.1, and one for each command
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub fn completions(command: &Completions, mut program: Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut program, "pinreel", &mut script);
    super::put(&script)
}

pub fn man(command: &Man, program: Command) -> ExitCode {
    let written =
        std::fs::create_dir_all(&command.folder).and_then(|()| clap_mangen::generate_to(program, &command.folder));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&format!("The pages can't be written to {} ({error}).", command.folder.display())),
    }
}
