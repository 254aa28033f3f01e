/** Figures as text, in the person's own language settings. */

export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const kilo = bytes / 1000;
  if (kilo < 1000) return `${kilo < 10 ? kilo.toFixed(1) : Math.round(kilo)} kB`;
  const mega = kilo / 1000;
  return `${mega < 10 ? mega.toFixed(1) : Math.round(mega)} MB`;
}

export function percentText(share: number): string {
  return `${Math.round(share * 100)}%`;
}

export function timeText(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(time);
}

/** To the second. */
export function clockText(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  return new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' }).format(time);
}

export function pixelsText(width: number, height: number): string {
  const megapixels = (width * height) / 1e6;
  return `${width} × ${height}${megapixels >= 1 ? ` (${megapixels.toFixed(1)} MP)` : ''}`;
}
