/**
 * The same for all tests on one emulator: the address is the issuer of the demo's tokens, a parameter of the stack, and the emulator
 * publishes no new version of the authorizer when only a parameter changes.
 */
export const originPort = 18_190;
