-- Previews are brought to Kubo as sources and streams are.
alter table pin
    drop constraint pin_role_check,
    add constraint pin_role_check check (role in ('source', 'hls', 'preview'));
