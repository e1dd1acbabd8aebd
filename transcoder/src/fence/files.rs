//! Landlock: of all files, those beneath the working directory remain, to be made, written and read again.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
};

/// The newest rules that this code knows. An older kernel enforces what it knows; seccomp covers the difference.
const NEWEST: ABI = ABI::V6;

/// Whether the kernel enforces it.
pub fn keep_only_own_folder() -> bool {
    let Ok(folder) = PathFd::new(".") else { return false };
    restrict(folder).is_ok_and(|status| status != RulesetStatus::NotEnforced)
}

fn restrict(folder: PathFd) -> Result<RulesetStatus, RulesetError> {
    let own: BitFlags<AccessFs> =
        make_bitflags!(AccessFs::{ReadFile | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile});
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rule(PathBeneath::new(folder, own))?
        .restrict_self()?;
    Ok(status.ruleset)
}
