// What several parts of the table say in the same words.

export const shared = {
  hangUp: 'Hang up',
  loss: 'Loss',
  roundTrip: 'Round trip',
  tagline: 'Private calls, straight from one computer to another.',
  thisComputer: 'This computer',
  unshareable: 'This cannot be shared. Choose another window, or the whole screen.',
} as const;
