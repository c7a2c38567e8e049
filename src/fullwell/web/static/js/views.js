/** The views of the page, in the order of its tabs: name in the address, and title. */
export const VIEWS = [
  ['night', 'Night'], ['frame', 'Frame'], ['headers', 'Headers'], ['transfer', 'Photon transfer'],
  ['masters', 'Masters'], ['reports', 'Reports'], ['displays', 'Displays'],
];
