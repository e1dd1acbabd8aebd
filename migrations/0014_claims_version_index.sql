-- The versions of a claim: `where claim = $1`.
create index claim_version_of_claim on claim_version (claim);
