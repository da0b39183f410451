//! Names what is wrong with a call, and whose side it is: from the figures of this side and what
//! the other side tells of itself.

use crate::stats::CallStats;
use serde::{Deserialize, Serialize};
use tincan_proto::{Health, MicrophoneHealth};
use ts_rs::TS;

/// What is wrong. The first that fits is named: what lies below explains what lies above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Trouble {
    /// This computer does not keep up.
    MyProcessor,
    /// Theirs does not.
    TheirProcessor,
    /// What is sent from here gets lost or waits.
    MyUplink,
    /// What is sent from there does.
    TheirUplink,
    /// The way out of here is so narrow that pictures are sent smaller.
    MyUplinkNarrow,
    /// The way out of there is.
    TheirUplinkNarrow,
    /// Both directions suffer, through a relay.
    Relay,
    /// Both directions suffer on the direct way, or it is long.
    Path,
    /// Nothing is heard of this microphone.
    MyMicrophoneSilent,
    /// This microphone is too loud.
    MyMicrophoneClipping,
    /// Nothing is heard of theirs.
    TheirMicrophoneSilent,
    /// Theirs is too loud.
    TheirMicrophoneClipping,
}

/// The one thing that helps most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Remedy {
    /// Close other programs.
    ClosePrograms,
    /// Ask them to close other programs.
    AskToClosePrograms,
    /// Turn the camera off, or share no screen.
    StopPicture,
    /// Ask them to.
    AskToStopPicture,
    /// Get closer to the router, or plug in a cable.
    ImproveNetwork,
    /// Ask them to.
    AskToImproveNetwork,
    /// End what else sends, or get closer to the router.
    FreeNetwork,
    /// Ask them to.
    AskToFreeNetwork,
    /// No longer hide the address.
    ShowAddress,
    /// Let the other's words end before speaking: the way is long.
    TakeTurns,
    /// Call again, perhaps on another network.
    CallAgain,
    /// Choose another microphone or switch it on.
    CheckMicrophone,
    /// Ask them to.
    AskToCheckMicrophone,
    /// Lower its level, or move away from it.
    LowerMicrophone,
    /// Ask them to.
    AskToLowerMicrophone,
}

/// What is wrong and what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// What is wrong.
    pub trouble: Trouble,
    /// What helps.
    pub remedy: Remedy,
    /// What a narrow way carries, in kbit/s.
    pub kbps: Option<u32>,
}

impl From<(Trouble, Remedy)> for Diagnosis {
    fn from((trouble, remedy): (Trouble, Remedy)) -> Self {
        Self { trouble, remedy, kbps: None }
    }
}

/// From this share of the time on, a codec is about to be late.
const BUSY_PERMILLE: u16 = 850;
/// This loss is heard and seen.
const LOSS: f64 = 0.03;
/// One direction alone is to blame if it loses so many times as much as the other.
const ONE_SIDED: f64 = 3.0;
/// Sound that comes so unevenly has waited in a queue on its way, in seconds.
const JITTER: f64 = 0.04;
/// The least that a call in sound and picture needs, in kbit/s. Where little is sent, little more is
/// known to be possible: the bound lies below what a still camera's pictures take.
const NEEDED_KBPS: u32 = 120;
/// From this round trip on, people talk over each other, in seconds (ITU-T G.114: 150 ms one way
/// for most, 400 ms at the most).
const LONG: f64 = 0.35;

/// What `stats` and both sides' words say of this second; none if nothing is wrong.
pub fn diagnose(stats: &CallStats, mine: &Health, theirs: Option<&Health>) -> Option<Diagnosis> {
    let them = theirs.copied().unwrap_or_default();
    let long = || long_way(stats, mine).map(Diagnosis::from);
    processor(mine, &them)
        .or_else(|| network(stats, mine, theirs))
        .map(Diagnosis::from)
        .or_else(|| narrow(mine, &them))
        .or_else(long)
        .or_else(|| microphone(mine, &them).map(Diagnosis::from))
}

fn processor(mine: &Health, them: &Health) -> Option<(Trouble, Remedy)> {
    if mine.busy_permille > BUSY_PERMILLE {
        Some((Trouble::MyProcessor, Remedy::ClosePrograms))
    } else if them.busy_permille > BUSY_PERMILLE {
        Some((Trouble::TheirProcessor, Remedy::AskToClosePrograms))
    } else {
        None
    }
}

/// How much one direction suffers: 1 is just too much.
fn suffering(lost: f64, jitter: f64, available: Option<u32>, picture: bool) -> f64 {
    let narrow = available
        .filter(|_| picture)
        .map_or(0.0, |kbps| f64::from(NEEDED_KBPS) / f64::from(kbps.max(1)));
    // A network that is just wide enough is not at fault.
    let narrow = if narrow > 1.0 { narrow } else { 0.0 };
    (lost / LOSS).max(jitter / JITTER).max(narrow)
}

fn network(stats: &CallStats, mine: &Health, theirs: Option<&Health>) -> Option<(Trouble, Remedy)> {
    let them = theirs.copied().unwrap_or_default();
    // What they tell is of the last second, what is reported by RTCP of the last packets of a kind.
    let reported = [stats.audio_sent.remote, stats.video_sent.remote].into_iter().flatten();
    let reported = reported.map(|remote| remote.fraction_lost).fold(0.0, f64::max);
    let lost_there = match theirs {
        Some(them) => f64::from(them.lost_permille) / 1000.0,
        None => reported,
    };
    let jitter_there = match theirs {
        Some(them) => f64::from(them.jitter_ms) / 1000.0,
        None => stats.audio_sent.remote.map_or(0.0, |remote| remote.jitter),
    };
    let out = suffering(lost_there, jitter_there, mine.available_kbps, mine.picture);
    let jitter_here = stats.audio_received.jitter.unwrap_or_default();
    let into = suffering(stats.fraction_lost, jitter_here, them.available_kbps, them.picture);
    if out > 1.0 && out > into * ONE_SIDED {
        let remedy = if mine.picture { Remedy::StopPicture } else { Remedy::ImproveNetwork };
        Some((Trouble::MyUplink, remedy))
    } else if into > 1.0 && into > out * ONE_SIDED {
        let remedy =
            if them.picture { Remedy::AskToStopPicture } else { Remedy::AskToImproveNetwork };
        Some((Trouble::TheirUplink, remedy))
    } else if out > 1.0 || into > 1.0 {
        Some(through_relay(stats, mine).unwrap_or((Trouble::Path, Remedy::CallAgain)))
    } else {
        None
    }
}

/// A relay on the way, if there is one, is to blame.
fn through_relay(stats: &CallStats, mine: &Health) -> Option<(Trouble, Remedy)> {
    let path = stats.path.as_ref()?;
    let relayed = path.local_candidate_type == "relay" || path.remote_candidate_type == "relay";
    let remedy = if mine.hides_address { Remedy::ShowAddress } else { Remedy::CallAgain };
    relayed.then_some((Trouble::Relay, remedy))
}

/// A way on which nothing gets lost or late, since little is sent. Where both are narrow, the own one
/// is named: there something can be done.
fn narrow(mine: &Health, them: &Health) -> Option<Diagnosis> {
    let found = |trouble, remedy| move |kbps| Diagnosis { trouble, remedy, kbps: Some(kbps) };
    let theirs = found(Trouble::TheirUplinkNarrow, Remedy::AskToFreeNetwork);
    let mine = mine.narrowed_kbps.map(found(Trouble::MyUplinkNarrow, Remedy::FreeNetwork));
    mine.or_else(|| them.narrowed_kbps.map(theirs))
}

fn long_way(stats: &CallStats, mine: &Health) -> Option<(Trouble, Remedy)> {
    let long = stats.round_trip_time.unwrap_or_default() > LONG;
    let blamed = || through_relay(stats, mine).unwrap_or((Trouble::Path, Remedy::TakeTurns));
    long.then(blamed)
}

fn microphone(mine: &Health, them: &Health) -> Option<(Trouble, Remedy)> {
    match (mine.microphone, them.microphone) {
        (MicrophoneHealth::Silent, _) => {
            Some((Trouble::MyMicrophoneSilent, Remedy::CheckMicrophone))
        }
        (MicrophoneHealth::Clipping, _) => {
            Some((Trouble::MyMicrophoneClipping, Remedy::LowerMicrophone))
        }
        (_, MicrophoneHealth::Silent) => {
            Some((Trouble::TheirMicrophoneSilent, Remedy::AskToCheckMicrophone))
        }
        (_, MicrophoneHealth::Clipping) => {
            Some((Trouble::TheirMicrophoneClipping, Remedy::AskToLowerMicrophone))
        }
        (
            MicrophoneHealth::Off | MicrophoneHealth::Good,
            MicrophoneHealth::Off | MicrophoneHealth::Good,
        ) => None,
    }
}

/// Of so many seconds as the doctor remembers...
const REMEMBERED: usize = 8;
/// ...so many have to show the same trouble before it is told...
const TOLD_FROM: usize = 4;
/// ...and it is told until no more than so many do.
const WITHDRAWN_AT: usize = 1;

/// A figure in a sentence that is read stays as long as it is about right.
fn is_another(told: Option<u32>, found: Option<u32>) -> bool {
    match (told, found) {
        (Some(told), Some(found)) => told.abs_diff(found) > told / 4,
        (told, found) => told != found,
    }
}

/// Tells only what lasts, and what was told until it is over.
#[derive(Clone, Debug, Default)]
pub struct Doctor {
    seconds: Vec<Option<Diagnosis>>,
    told: Option<Diagnosis>,
}

impl Doctor {
    /// What is told.
    pub const fn told(&self) -> Option<Diagnosis> {
        self.told
    }

    /// Takes what one more second showed and returns what is told.
    pub fn observe(&mut self, found: Option<Diagnosis>) -> Option<Diagnosis> {
        if self.seconds.len() == REMEMBERED {
            self.seconds.remove(0);
        }
        self.seconds.push(found);
        if let (Some(found), Some(told)) = (found, &mut self.told)
            && found.trouble == told.trouble
            && (found.remedy != told.remedy || is_another(told.kbps, found.kbps))
        {
            *told = found;
        }
        let times = |trouble: Trouble| {
            self.seconds.iter().flatten().filter(|one| one.trouble == trouble).count()
        };
        if self.told.is_some_and(|told| times(told.trouble) <= WITHDRAWN_AT) {
            self.told = None;
        }
        let latest = self.seconds.iter().rev().flatten();
        let most = latest.max_by_key(|one| times(one.trouble)).copied();
        if let Some(most) = most
            && times(most.trouble) >= TOLD_FROM
            && self.told.is_none_or(|told| times(most.trouble) > times(told.trouble))
        {
            self.told = Some(most);
        }
        self.told
    }
}

#[cfg(test)]
mod tests;
