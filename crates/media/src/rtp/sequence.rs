//! Sequence numbers without the wrap, and which of the last ones have come (RFC 3550, A.1).

/// How many of the newest numbers are remembered.
const REMEMBERED: u64 = 2048;

/// Unwraps one source's sequence numbers and counts what came.
#[derive(Clone, Debug)]
pub struct Sequence {
    first: u64,
    highest: u64,
    seen: [u64; REMEMBERED as usize / 64],
    received: u64,
    /// Losses before the numbers began anew.
    lost_before: u64,
    received_before: u64,
    /// The number that would confirm that the sender's numbers began anew.
    suspect: Option<u16>,
}

/// What a number is to the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It has not come before.
    New(u64),
    /// It has.
    Duplicate,
    /// It is too far behind to tell.
    Ancient,
    /// The second in a row from far behind: the sender's numbers began anew.
    Restarted(u64),
}

impl Sequence {
    /// Begins with the first packet that came, which is `New` when given to [`Self::arrive`].
    pub fn starting_at(first: u16) -> Self {
        // Room to go back: packets before the first to come may still arrive.
        let first = (1 << 32) + u64::from(first);
        Self {
            first,
            highest: first - 1,
            seen: [0; REMEMBERED as usize / 64],
            received: 0,
            lost_before: 0,
            received_before: 0,
            suspect: None,
        }
    }

    /// Notes a packet.
    pub fn arrive(&mut self, sequence: u16) -> Arrival {
        let ahead = i64::from(sequence.wrapping_sub(self.highest as u16) as i16);
        let number = self.highest.saturating_add_signed(ahead);
        if number > self.highest {
            if number - self.highest >= REMEMBERED {
                self.seen.fill(0);
            } else {
                (self.highest + 1..=number).for_each(|n| self.mark(n, false));
            }
            self.highest = number;
        } else if self.highest - number >= REMEMBERED {
            if self.suspect.replace(sequence.wrapping_add(1)) != Some(sequence) {
                return Arrival::Ancient;
            }
            return Arrival::Restarted(self.restart(sequence));
        } else if self.is_marked(number) {
            return Arrival::Duplicate;
        }
        self.suspect = None;
        self.first = self.first.min(number);
        self.mark(number, true);
        self.received += 1;
        Arrival::New(number)
    }

    /// Whether the packet of this number has come, as far as that is remembered.
    pub fn has(&self, number: u64) -> bool {
        self.highest.saturating_sub(number) >= REMEMBERED || self.is_marked(number)
    }

    /// Whether the packet of this number was sent and has not come.
    pub fn is_missing(&self, number: u64) -> bool {
        (self.first..self.highest).contains(&number) && !self.has(number)
    }

    fn restart(&mut self, sequence: u16) -> u64 {
        let number = ((self.highest >> 16) + 2) << 16 | u64::from(sequence);
        *self = Self {
            first: number,
            highest: number,
            seen: [0; REMEMBERED as usize / 64],
            received: 1,
            lost_before: self.lost(),
            received_before: self.received(),
            suspect: None,
        };
        self.mark(number, true);
        number
    }

    /// Packets that came, each once.
    pub fn received(&self) -> u64 {
        self.received_before + self.received
    }

    /// Packets between the first and the newest that have not come (RFC 3550, A.3).
    pub fn lost(&self) -> u64 {
        self.lost_before + (self.highest + 1 - self.first).saturating_sub(self.received)
    }

    fn mark(&mut self, number: u64, seen: bool) {
        let bit = number % REMEMBERED;
        let mask = 1 << (bit % 64);
        let word = &mut self.seen[bit as usize / 64];
        *word = if seen { *word | mask } else { *word & !mask };
    }

    fn is_marked(&self, number: u64) -> bool {
        let bit = number % REMEMBERED;
        self.seen[bit as usize / 64] >> (bit % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_over_the_wrap_and_losses_are_counted() {
        let mut sequence = Sequence::starting_at(65_534);
        let Arrival::New(first) = sequence.arrive(65_534) else { panic!("the first is new") };
        assert_eq!(sequence.arrive(1), Arrival::New(first + 3));
        assert_eq!(sequence.arrive(65_535), Arrival::New(first + 1));
        assert_eq!(sequence.arrive(1), Arrival::Duplicate);
        assert!(sequence.is_missing(first + 2) && !sequence.is_missing(first - 1));
        assert!(sequence.has(first + 1) && !sequence.has(first - 1));
        assert_eq!((sequence.received(), sequence.lost()), (3, 1));
        assert_eq!(sequence.arrive(65_530), Arrival::New(first - 4));
        assert_eq!((sequence.received(), sequence.lost()), (4, 4));
    }

    #[test]
    fn numbers_far_behind_are_ancient() {
        let mut sequence = Sequence::starting_at(10);
        sequence.arrive(10);
        sequence.arrive(5000);
        assert_eq!(sequence.arrive(11), Arrival::Ancient);
        assert_eq!(sequence.arrive(13), Arrival::Ancient);
    }

    #[test]
    fn two_in_a_row_from_far_behind_begin_anew() {
        let mut sequence = Sequence::starting_at(10_000);
        sequence.arrive(10_000);
        assert_eq!(sequence.arrive(50), Arrival::Ancient);
        let Arrival::Restarted(number) = sequence.arrive(51) else { panic!("not restarted") };
        assert_eq!(sequence.arrive(52), Arrival::New(number + 1));
        assert_eq!((sequence.received(), sequence.lost()), (3, 0));
    }
}
