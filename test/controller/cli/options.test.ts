import t from 'tap'
import {
  collect,
  collectPath,
  parseCount,
  parseLifetime,
  parseRevision,
  parseWindow
} from '../../../controller/cli/options.ts'
import { storePath } from '../fakes/fleet-host.ts'

t.test('times of a window', (t) => {
  t.same(['90', '90s', '5m', '2h', '5', '24h'].map(parseWindow), [90, 90, 300, 7200, 5, 86_400])
  for (const bad of ['', '4', '25h', '1d', '-5', '1.5m', '5 m', 'm'])
    t.throws(() => parseWindow(bad), /Wanted/, bad)
  t.end()
})

t.test('numbers of hosts, lists, and paths by host', (t) => {
  t.equal(parseCount('16'), 16)
  for (const bad of ['0', '-1', '1e3', '', '10000']) t.throws(() => parseCount(bad), /Wanted/, bad)
  t.same(collect('c', collect('a,b')), ['a', 'b', 'c'])
  t.same(collectPath(`a=${storePath('b')}`), new Map([['a', storePath('b')]]))
  t.throws(() => collectPath(storePath('b')), /Wanted HOST=/)
  t.throws(() => collectPath('a=/tmp/x'), { code: 'invalid-store-path' })
  t.end()
})

t.test('lifetimes and revisions', (t) => {
  t.same(['1m', '24h', '7d', '30d'].map(parseLifetime), [60, 86_400, 604_800, 2_592_000])
  for (const bad of ['', '0d', '31d', '24', '1w', '-1h', '1.5h'])
    t.throws(() => parseLifetime(bad), /Wanted/, bad)
  t.same(['0', '7'].map(parseRevision), [0, 7])
  for (const bad of ['', '-1', '1.5', '07', '1e3']) t.throws(() => parseRevision(bad), /Wanted/, bad)
  t.end()
})
