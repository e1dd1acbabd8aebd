-- Versions that are in the log, but whose bytes may not be public in the content store yet. A row is made in the
-- transaction that logs the version and goes in the one that shows it; what a crash leaves is worked off at start.
create table unannounced (
    index bigint primary key references log_entry (index)
);

grant select, insert, delete on unannounced to pinreel_app;
