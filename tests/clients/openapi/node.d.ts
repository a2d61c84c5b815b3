// The part of Node that the client uses.
declare const process: { argv: string[] };
