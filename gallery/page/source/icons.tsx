/** Drawn by hand, in the colour of the text around them. */

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">
      <circle class="mark-ring" cx="16" cy="16" r="13" />
      <path
        class="mark-blades"
        d="M16 3 L23.5 16 M27.3 9.5 L19.8 22.5 M27.3 22.5 L12.3 22.5 M16 29 L8.5 16 M4.7 22.5 L12.2 9.5 M4.7 9.5 L19.7 9.5"
      />
    </svg>
  );
}

const paths = {
  add: 'M12 5v14M5 12h14',
  camera: 'M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7',
  close: 'M6 6l12 12M18 6L6 18',
  previous: 'M15 5l-7 7l7 7',
  next: 'M9 5l7 7l-7 7',
  download: 'M12 4v11M7 11l5 5l5-5M5 20h14',
  alert: 'M12 4L2.5 20h19zM12 10v5M12 17.5v.5',
} as const;

export function Icon({ name }: { readonly name: keyof typeof paths }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
