-- A root that is withdrawn is unpinned at Kubo as well: its row says so until Kubo has done it, and goes then.
alter table pin drop constraint pin_state_check;
alter table pin add constraint pin_state_check check (state in ('pending', 'pinned', 'failed', 'unwanted'));
drop index pin_pending;
grant delete on pin to pinreel_app;
