/** Keys that a path, a URL or a shell would read differently. */
export const hostileKeys: readonly string[] = [
  ...[
    'a b.jpg',
    'a+b.jpg',
    'a%2Fb.jpg',
    'a%252Fb.jpg',
    '../../etc/passwd',
    '/leading.jpg',
    'a//b.jpg',
    'folder/',
    '.',
    '..',
  ],
  ...[
    'é.jpg'.normalize('NFC'),
    'é.jpg'.normalize('NFD'),
    '🦊.jpg',
    '\u202egpj.exe',
    'مرحبا.jpg',
    'a\nb.jpg',
    'a\u0000b.jpg',
  ],
  ...[
    "'; drop table images; --.jpg",
    `\${jndi:ldap://x}.jpg`,
    '$(reboot).jpg',
    'a"b.jpg',
    '{%$image%}.jpg',
    'a#v1',
    'COM1.jpg',
  ],
  // S3's longest: 1,024 bytes.
  ...['k'.repeat(1024), 'ü'.repeat(512)],
];
