//! `profile`: the channel's handle, which is taken for good, and its words, the newest of which count.

use pinreel_records::Profile;
use sqlx::PgConnection;

use super::error::ClaimsError;
use super::store::channels;
use super::submit::Placed;

pub(super) async fn apply(
    connection: &mut PgConnection,
    placed: &Placed<'_>,
    profile: &Profile,
) -> Result<(), ClaimsError> {
    if !channels::take_handle(connection, &placed.channel, &profile.handle).await? {
        return Err(ClaimsError::HandleTaken(profile.handle.to_string()));
    }
    channels::set_profile(connection, &placed.channel, placed.record.id, profile).await?;
    Ok(())
}
