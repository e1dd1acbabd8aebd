-- The node's rendition records, found by what they are about. Cards and watch pages ask for a source's newest one.
create table rendition_record (
    index bigint primary key references log_entry (index),
    record text not null unique references log_entry (record),
    source text not null,
    root text not null,
    duration_ms bigint not null,
    -- Whether the playback folder holds a poster.
    has_poster boolean not null
);

grant select, insert on rendition_record to pinreel_app;
