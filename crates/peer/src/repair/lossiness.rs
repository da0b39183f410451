//! Whether so much is lost that requests and answers are lost, too, and go twice.

/// The share is that over about so many packets.
const OVER: f32 = 250.0;
/// From this share on one in thirty repairs takes another round trip, unless each goes twice.
const MUCH: f32 = 0.03;

/// The share of one stream's packets that were lost of late, 0 to 1.
#[derive(Debug, Default)]
pub struct Lossiness(f32);

impl Lossiness {
    /// A packet was sent, or came.
    pub fn passed(&mut self) {
        self.0 -= self.0 / OVER;
    }

    /// One is missing.
    pub fn missed(&mut self) {
        self.0 += (1.0 - self.0) / OVER;
    }

    /// How often each request and each answer is to go.
    pub fn copies(&self) -> usize {
        if self.0 < MUCH { 1 } else { 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_go_twice_where_many_are_needed_and_once_again_when_few_are() {
        let mut lossiness = Lossiness::default();
        let mut run = |packets: usize, every: usize| {
            for n in 0..packets {
                if n % every == 0 { lossiness.missed() } else { lossiness.passed() }
            }
            lossiness.copies()
        };
        assert_eq!(run(1000, 100), 1);
        assert_eq!(run(1000, 10), 2);
        assert_eq!(run(1000, 100), 1);
    }
}
