-- A claim is named by the record that created it; its slug is unique within its channel, also once it is erased, so
-- that the address goes on answering "erased" and never leads to something else.
create table claim (
    id text primary key references log_entry (record),
    channel text not null references channel (id),
    slug text not null,
    -- The id's digest in hex: addresses quote a prefix of it.
    digest text not null unique check (digest ~ '^[0-9a-f]{64}$'),
    -- The newest version: the next update must name it.
    newest text not null references log_entry (record),
    -- The tombstone of the newest version: with it the claim is erased.
    tombstone text references log_entry (record),
    constraint claim_slug unique (channel, slug)
);

-- All versions of a claim, the first one too: which claim a tombstone's target belongs to.
create table claim_version (
    record text primary key references log_entry (record),
    claim text not null references claim (id)
);

grant select, insert, update on claim to pinreel_app;
grant select, insert on claim_version to pinreel_app;
