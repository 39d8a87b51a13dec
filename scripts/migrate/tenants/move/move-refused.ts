/**
 * Why a move does not go on; nothing is lost by any of them.
 * - `not_moving`: no move of this organisation is under way
 * - `no_such_placement`: no connection to it was given, or it is there already
 * - `taken_over`: another run of the command drives it now
 * - `too_late`: it is where it was to be, and does not come back by giving up
 * - `unknown_schema`: its schema is of a migration that this program does not know
 * - `other_tables`: the schema has other tables than its migration makes
 * - `rows_differ`: what was copied is not what was there
 * - `other_rights`: who may do what is not what the migration gives
 * - `placement_full`: the placement got its last tenant meanwhile
 * - `still_connected`: sessions of the old role did not end
 * - `busy`: requests hold the tables for too long
 */
export class MoveRefused extends Error {
  override readonly name = "MoveRefused";
  readonly code:
    | "not_moving"
    | "no_such_placement"
    | "taken_over"
    | "too_late"
    | "unknown_schema"
    | "other_tables"
    | "rows_differ"
    | "other_rights"
    | "placement_full"
    | "still_connected"
    | "busy";

  constructor(code: MoveRefused["code"], message: string) {
    super(message);
    this.code = code;
  }
}
