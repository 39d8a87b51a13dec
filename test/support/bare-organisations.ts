import { relative } from "node:path";
import ts from "typescript";

/** Kinds of parameter that name an organisation by a plain string on purpose, by function and name. */
export type NamedOnPurpose = readonly string[];

/**
 * Exported functions that take an organisation's identifier, at any depth of a parameter's type, as
 * `file: function(parameter)`. A type with a brand of its own (a scope, a verified call, a session that was read)
 * is a proof and is not looked into. A plain string counts where its name says that it is an organisation.
 */
export function bareOrganisations(program: ts.Program, isChecked: (path: string) => boolean, root: string): string[] {
  const checker = program.getTypeChecker();
  const orgId = identifierOfOrganisations(program, checker);
  const found: string[] = [];
  for (const source of program.getSourceFiles()) {
    if (source.isDeclarationFile || !isChecked(relative(root, source.fileName))) continue;
    const module = checker.getSymbolAtLocation(source);
    for (const exported of module === undefined ? [] : checker.getExportsOfModule(module)) {
      const type = checker.getTypeOfSymbolAtLocation(exported, source);
      const named = type.getCallSignatures().flatMap((signature) => signature.parameters);
      for (const parameter of named) {
        if (!names(checker, orgId, parameter, source, new Set())) continue;
        found.push(`${relative(root, source.fileName)}: ${exported.name}(${readable(parameter)})`);
      }
    }
  }
  return found.toSorted();
}

function identifierOfOrganisations(program: ts.Program, checker: ts.TypeChecker): ts.Type {
  const ids = program.getSourceFiles().find(({ fileName }) => fileName.endsWith("/core/ids.ts"));
  const module = ids === undefined ? undefined : checker.getSymbolAtLocation(ids);
  const alias = module?.exports?.get(ts.escapeLeadingUnderscores("OrgId"));
  if (alias === undefined) throw new Error("core/ids.ts has no OrgId any more: this check looks for nothing");
  return checker.getDeclaredTypeOfSymbol(alias);
}

/** A destructured parameter has no name of its own. */
const readable = ({ name }: ts.Symbol): string => (name.startsWith("__") ? "{…}" : name);

function names(checker: ts.TypeChecker, orgId: ts.Type, symbol: ts.Symbol, at: ts.Node, seen: Set<ts.Type>): boolean {
  const type = checker.getTypeOfSymbolAtLocation(symbol, symbol.valueDeclaration ?? at);
  const parts = type.isUnion() ? type.types : [type];
  if (/^org(?!reference$)|organisation/i.test(symbol.name) && parts.some((part) => part.flags & ts.TypeFlags.String))
    return true;
  return holds(checker, orgId, type, at, seen);
}

function holds(checker: ts.TypeChecker, orgId: ts.Type, type: ts.Type, at: ts.Node, seen: Set<ts.Type>): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.Never)) return false;
  if (type.isUnion()) return type.types.some((part) => holds(checker, orgId, part, at, seen));
  // Every branded string that an organisation's identifier could be given as, also one of any kind.
  const isBrandedText =
    checker.isTypeAssignableTo(type, checker.getStringType()) &&
    !checker.isTypeAssignableTo(checker.getStringType(), type);
  if (isBrandedText) return checker.isTypeAssignableTo(orgId, type);
  if ((type.flags & ts.TypeFlags.Object) === 0 && !type.isIntersection()) return false;
  const given = checker.getTypeArguments(type as ts.TypeReference);
  if (given.some((argument) => holds(checker, orgId, argument, at, seen))) return true;
  const properties = checker.getPropertiesOfType(type);
  // Keys that are symbols: a brand of ours, or something of the language's own.
  if (properties.some(({ escapedName }) => String(escapedName).startsWith("__@"))) return false;
  return properties.some((property) => names(checker, orgId, property, at, seen));
}
