// No leak: a hand-made compiler of a small language at work, with the syntax trees and scopes of all its files, and each file in line for the next pass.
'use strict';
const { scale, stop } = require('./lib/stop.cjs');

const files = scale(120);
const FUNCTIONS = 40;
class SyntaxNode { constructor(start) { this.start = start; this.end = start; this.parent = null; } finish(end, ...children) { this.end = end; for (const child of children) child.parent = this; return this; } }
class Identifier extends SyntaxNode { constructor(start, name) { super(start); this.name = name; this.symbol = undefined; } }
class NumberLiteral extends SyntaxNode { constructor(start, value) { super(start); this.value = value; } }
class BinaryExpression extends SyntaxNode { constructor(start, operator, left, right) { super(start); this.operator = operator; this.left = left; this.right = right; } }
class CallExpression extends SyntaxNode { constructor(start, callee, args) { super(start); this.callee = callee; this.arguments = args; } }
class LetStatement extends SyntaxNode { constructor(start, name, value) { super(start); this.name = name; this.value = value; } }
class ReturnStatement extends SyntaxNode { constructor(start, value) { super(start); this.value = value; } }
class FunctionDeclaration extends SyntaxNode { constructor(start, name, parameters, body) { super(start); this.name = name; this.parameters = parameters; this.body = body; this.scope = undefined; } }
class SourceUnit extends SyntaxNode { constructor(path, text) { super(0); this.path = path; this.text = text; this.statements = []; this.scope = new Scope(undefined); this.lineStarts = []; } }
class SymbolEntry { constructor(name, declaration) { this.name = name; this.declaration = declaration; this.references = []; } }
class Scope {
  constructor(outer) { this.outer = outer; this.symbols = new Map(); }
  declare(name, declaration) { this.symbols.set(name, new SymbolEntry(name, declaration)); }
  find(name) { return this.symbols.get(name) ?? this.outer?.find(name); }
}

class Parser {
  constructor(unit) { this.unit = unit; this.tokens = [...unit.text.matchAll(/[A-Za-z_]\w*|\d+|[-+*/(){},=;]/g)]; this.at = 0; }
  get word() { return this.tokens[this.at]?.[0]; }
  get offset() { return this.tokens[this.at]?.index ?? this.unit.text.length; }
  take(expected) { const word = this.word; if (expected !== undefined && word !== expected) throw new Error(`${expected} expected at ${this.offset}, not ${word}`); this.at++; return word; }
  list(end, item) { const items = []; while (this.word !== end) { items.push(item()); if (this.word === ',') this.take(); } this.take(end); return items; }
  parse() { while (this.word !== undefined) this.unit.statements.push(this.declaration()); return this.unit.finish(this.offset, ...this.unit.statements); }
  declaration() {
    const start = this.offset;
    this.take('function');
    const name = this.identifier();
    this.take('(');
    const parameters = this.list(')', () => this.identifier());
    this.take('{');
    const body = this.list('}', () => this.statement());
    return new FunctionDeclaration(start, name, parameters, body).finish(this.offset, name, ...parameters, ...body);
  }
  statement() {
    const start = this.offset;
    if (this.take() === 'return') { const value = this.expression(); this.take(';'); return new ReturnStatement(start, value).finish(this.offset, value); }
    const name = this.identifier();
    this.take('=');
    const value = this.expression();
    this.take(';');
    return new LetStatement(start, name, value).finish(this.offset, name, value);
  }
  expression() {
    const start = this.offset;
    let left = this.operand();
    while (/^[-+*/]$/.test(this.word)) { const operator = this.take(); const right = this.operand(); left = new BinaryExpression(start, operator, left, right).finish(this.offset, left, right); }
    return left;
  }
  operand() {
    const start = this.offset;
    if (/^\d/.test(this.word)) return new NumberLiteral(start, Number(this.take())).finish(this.offset);
    const callee = this.identifier();
    if (this.word !== '(') return callee;
    this.take('(');
    const args = this.list(')', () => this.expression());
    return new CallExpression(start, callee, args).finish(this.offset, callee, ...args);
  }
  identifier() { return new Identifier(this.offset, this.take()).finish(this.offset); }
}

const functionText = (at) => `function compute${at}(first, second) { let sum = first + second * ${at}; let rest = compute${(at + 7) % FUNCTIONS}(sum - 1, first / 2) + limit${at % 3}(sum);
  let scaled = sum * rest - first * 3 + second / ${at + 1}; return compute${(at + 3) % FUNCTIONS}(scaled, rest - sum) + scaled; }`;
const limits = [0, 1, 2].map((at) => `function limit${at}(value) { return value - ${at}; }`).join('\n');
const textOf = () => `${limits}\n${Array.from({ length: FUNCTIONS }, (_, at) => functionText(at)).join('\n')}`;

class Compiler {
  constructor() { this.units = new Map(); this.queue = []; this.diagnostics = []; }
  open(path) { const unit = new Parser(new SourceUnit(path, textOf())).parse(); this.units.set(path, unit); this.queue.push(unit); }
  bind(unit) {
    for (const statement of unit.statements) unit.scope.declare(statement.name.name, statement);
    for (const statement of unit.statements) {
      statement.scope = new Scope(unit.scope);
      for (const parameter of statement.parameters) statement.scope.declare(parameter.name, parameter);
      for (const inner of statement.body) {
        this.resolve(inner.value, statement.scope);
        if (inner instanceof LetStatement) statement.scope.declare(inner.name.name, inner);
      }
    }
  }
  resolve(node, scope) {
    if (node instanceof BinaryExpression) { this.resolve(node.left, scope); this.resolve(node.right, scope); }
    if (node instanceof CallExpression) { this.resolve(node.callee, scope); for (const argument of node.arguments) this.resolve(argument, scope); }
    if (!(node instanceof Identifier)) return;
    node.symbol = scope.find(node.name);
    if (node.symbol === undefined) this.diagnostics.push(`${node.name} is not declared`);
    else node.symbol.references.push(node);
  }
}
const compiler = new Compiler();
for (let i = 0; i < files; i++) compiler.open(`/project/source${i}.small`);

function step() {
  compiler.bind(compiler.queue.shift());
  // Stops in the middle of its work: the last third waits for its turn.
  if (compiler.queue.length > files / 3) setImmediate(step);
  else stop({ scale: files, diagnostics: compiler.diagnostics, counts: { SourceUnit: files, FunctionDeclaration: files * (FUNCTIONS + 3), Compiler: 1 } });
}
step();
