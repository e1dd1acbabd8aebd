-- What people are shown: the newest version of each claim whose bytes are public. Derived from the log and rebuilt from
-- it at will. A claim that is in the log but not here yet is shown to nobody.
create table publication (
    claim text primary key references claim (id),
    channel text not null references channel (id),
    -- Place and time of the claim's first record: what "newest" means.
    index bigint not null unique references log_entry (index),
    received_ms bigint not null,
    -- The version shown.
    version text not null references log_entry (record),
    version_index bigint not null references log_entry (index),
    title text not null,
    -- The beginning of the description as plain text, for link previews.
    excerpt text not null,
    -- Rendered from Markdown and sanitised, once for all who show it.
    description_html text not null,
    source text not null,
    source_bytes bigint not null check (source_bytes >= 0),
    media_type text not null,
    file_name text,
    -- The playback folder that the channel approves.
    root text,
    -- A picture of the channel's own choice.
    poster text
);

grant select, insert, update, delete on publication to pinreel_app;
