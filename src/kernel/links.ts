/**
 * Intrusive doubly linked lists: the links are fields of the nodes, so that adding and removing allocate nothing. A
 * list is the reference to its first node. The first node's `_previous` is the last node, which makes appending O(1). A
 * node in no list has `_previous === null`.
 */
export interface Linked<N> {
  _previous: N | null
  _next: N | null
}

/** Returns the list with `node` at its end. */
export function append<N extends Linked<N>>(first: N | null, node: N): N {
  node._next = null
  if (first === null) {
    node._previous = node
    return node
  }
  const last = first._previous!
  last._next = node
  node._previous = last
  first._previous = node
  return first
}

/** Returns the list without `node`, which must be in it. */
export function unlink<N extends Linked<N>>(first: N | null, node: N): N | null {
  const previous = node._previous!
  const next = node._next
  node._previous = node._next = null
  if (node === first) {
    if (next !== null) next._previous = previous
    return next
  }
  previous._next = next
  ;(next ?? first!)._previous = previous
  return first
}

/** A copy of the list, for a walk in which nodes may leave. */
export function collect<N extends Linked<N>>(first: N | null): N[] {
  const nodes: N[] = []
  for (let node = first; node !== null; node = node._next) nodes.push(node)
  return nodes
}
