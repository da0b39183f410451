//! Takes the figures of every connection once a second.

use super::Controller;
use super::session::unix_now;
use crate::figures;
use std::time::Instant;
use tincan_proto::{ControlMessage, Health};

impl Controller {
    /// Takes the figures of the last second.
    pub(super) async fn measure(&mut self) {
        if self.calls.peers.is_empty() {
            return;
        }
        let now = Instant::now();
        let own = self.media.own_stats();
        let picture = self.calls.state().current.as_ref().is_some_and(|call| call.sent().is_sent());
        let health = Health {
            microphone: self.microphone_watch.health(),
            picture,
            hides_address: self.preferences.settings.hide_address,
            ..Health::default()
        };
        for (key, connection) in &mut self.calls.peers {
            let peer = connection.peer.stats().await;
            let media = self.media.stats(key);
            let own_drops = own.microphone.map_or(0, |levels| levels.dropped);
            let dropped = own_drops + media.video.overflowed + media.audio.overflowed;
            let reading = figures::reading(now, &peer, &media, &own);
            let told = connection.figures.take(unix_now(), reading, dropped, health);
            if let (Some(health), true) = (told, connection.connected) {
                connection.peer.send_control(ControlMessage::Health(health));
            }
        }
        self.media.fit_voice(now);
        self.changed = true;
    }

    /// Looks at the own microphone, ten times a second.
    pub(super) fn watch_microphone(&mut self) {
        let on = self.calls.state().current.as_ref().is_some_and(|call| call.microphone);
        let heard = self.media.own_stats().microphone.filter(|_| on);
        self.microphone_watch.look(heard.map(|levels| levels.input));
    }
}
