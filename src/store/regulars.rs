//! Those who come back: programs that ask for the next thing as soon as they have their answer.

use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

/// For so long those who were answered are waited for. Tokio's clock ticks in milliseconds, so it may be one more.
const MOMENT: Duration = Duration::from_micros(300);

/// Who was answered a moment ago. If they come back with more work, they do so at once, while others wait already:
/// who begins without them has two companies of half the size ever after, one on its way and one that waits.
#[derive(Default)]
pub(super) struct Regulars {
    answered: Option<(usize, Instant)>,
}

impl Regulars {
    /// So many have been answered just now.
    pub fn were_answered(&mut self, count: usize) {
        self.answered = Some((count, Instant::now()));
    }

    /// Takes all that wait, and those who come back; at most so many. Nobody is there only where nobody will ever come.
    pub async fn company<T>(&mut self, queue: &mut Receiver<T>, most: usize) -> Vec<T> {
        let answered = self.answered.take();
        let waiting = queue.len();
        let mut together = Vec::new();
        queue.recv_many(&mut together, most).await;
        if let Some((count, at)) = answered {
            let wanted = most.min(count + waiting);
            // Whoever is not back by then takes part in the next.
            let _ = timeout_at(at + MOMENT, async {
                while together.len() < wanted
                    && let Some(more) = queue.recv().await
                {
                    together.push(more);
                }
            })
            .await;
        }
        together
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// A queue in which so many wait.
    fn queue(waiting: u32) -> (mpsc::Sender<u32>, Receiver<u32>) {
        let (sender, receiver) = mpsc::channel(8);
        (0..waiting).for_each(|number| sender.try_send(number).unwrap());
        (sender, receiver)
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_were_answered_are_waited_for_until_they_are_back() {
        let (sender, mut receiver) = queue(1);
        let mut regulars = Regulars::default();
        regulars.were_answered(2);
        let began = Instant::now();
        let (together, ()) = tokio::join!(regulars.company(&mut receiver, 8), async {
            sender.send(8).await.unwrap();
            sender.send(9).await.unwrap();
        });
        assert_eq!(together, [0, 8, 9]);
        assert_eq!(began.elapsed(), Duration::ZERO, "they are all back");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_a_moment_for_those_who_stay_away() {
        let (_sender, mut receiver) = queue(1);
        let mut regulars = Regulars::default();
        regulars.were_answered(2);
        let began = Instant::now();
        assert_eq!(regulars.company(&mut receiver, 8).await, [0]);
        assert!(began.elapsed() <= Duration::from_millis(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_alone_or_later_waits_for_nobody() {
        let (sender, mut receiver) = queue(0);
        let mut regulars = Regulars::default();
        regulars.were_answered(1);
        let began = Instant::now();
        let (together, sent) = tokio::join!(regulars.company(&mut receiver, 8), sender.send(1));
        sent.unwrap();
        assert_eq!(together, [1]);
        assert_eq!(began.elapsed(), Duration::ZERO);

        regulars.were_answered(4);
        tokio::time::advance(Duration::from_secs(1)).await;
        let began = Instant::now();
        sender.send(2).await.unwrap();
        assert_eq!(regulars.company(&mut receiver, 8).await, [2]);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_company_has_a_size_and_a_queue_an_end() {
        let (sender, mut receiver) = queue(5);
        let mut regulars = Regulars::default();
        regulars.were_answered(5);
        assert_eq!(regulars.company(&mut receiver, 3).await.len(), 3);
        drop(sender);
        assert_eq!(regulars.company(&mut receiver, 3).await.len(), 2);
        assert!(regulars.company(&mut receiver, 3).await.is_empty());
    }
}
