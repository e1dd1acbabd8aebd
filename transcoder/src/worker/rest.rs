//! A worker whose machine is at fault rests before it takes the next job, so that it doesn't fail one after another within
//! seconds: each rest is longer than the last, until a job is done.

use std::time::Duration;

use super::client::Backoff;
use super::job::Outcome;

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);

#[derive(Default)]
pub struct Rest(Option<Backoff>);

impl Rest {
    /// Waits if need be; the log hears of the first of several rests.
    pub async fn after(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Completed(_) => self.0 = None,
            Outcome::Failed(failure) if failure.is_of_machine() => {
                let backoff = self.0.get_or_insert_with(|| {
                    tracing::warn!(
                        code = failure.code,
                        reason = failure.reason,
                        "this machine is at fault: resting for {} s, and longer each time until a job is done",
                        FIRST.as_secs()
                    );
                    Backoff::between(FIRST, LONGEST)
                });
                backoff.wait().await;
            }
            Outcome::Failed(_) | Outcome::Lost => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use super::{FIRST, LONGEST, Rest};
    use crate::failure::Failure;
    use crate::worker::job::Outcome;

    /// How long the next rest after a fault is.
    fn next(rest: &Rest) -> Duration {
        rest.0.as_ref().map_or(FIRST, |backoff| backoff.pause())
    }

    fn rests(rest: &mut Rest, outcome: &Outcome) -> bool {
        pin!(rest.after(outcome)).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[tokio::test]
    async fn rests_grow_up_to_a_limit_and_end_with_a_job_that_is_done() {
        let full = Outcome::Failed(Failure::disk(&std::io::Error::from(std::io::ErrorKind::StorageFull)));
        let mut rest = Rest::default();
        for seconds in [20, 40, 80, 160, 320, 600, 600] {
            assert!(rests(&mut rest, &full));
            assert_eq!(next(&rest), Duration::from_secs(seconds));
        }
        assert_eq!(next(&rest), LONGEST);
        assert!(!rests(&mut rest, &Outcome::Lost) && next(&rest) == LONGEST);
        assert!(!rests(&mut rest, &Outcome::Completed(None)) && next(&rest) == FIRST);
    }

    #[tokio::test]
    async fn files_that_are_at_fault_cost_no_rest() {
        let mut rest = Rest::default();
        let lied = Failure::untrue("its child talks nonsense");
        for failure in [Failure::damaged(), Failure::not_media(), Failure::crashed(), lied] {
            assert!(!rests(&mut rest, &Outcome::Failed(failure)));
        }
    }
}
